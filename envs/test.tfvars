environment    = "test"
release        = "2026.1"
title          = "Acme"
message        = "Hello from the test environment"
colour         = "#2f6f4f"
instance_count = 1
features       = ["search", "debug_bar"]
