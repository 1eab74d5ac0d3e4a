environment    = "dev"
release        = "2026.1"
title          = "Acme"
message        = "Hello from a developer's machine"
colour         = "#5a5a5a"
instance_count = 1
features       = ["search", "debug_bar"]
