environment    = "prod"
release        = "2026.1"
title          = "Acme"
message        = "Welcome"
colour         = "#1f3f7f"
instance_count = 2
features       = ["search"]
