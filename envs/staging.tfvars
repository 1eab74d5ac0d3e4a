environment    = "staging"
release        = "2026.1"
title          = "Acme"
message        = "Hello from staging"
colour         = "#8a5a00"
instance_count = 2
features       = ["search"]
