# What the files of the site say. Values that people write are escaped for HTML.

locals {
  shown = {
    for name, value in { title = var.title, message = var.message, release = var.release } :
    name => replace(replace(replace(replace(replace(value,
    "&", "&amp;"), "<", "&lt;"), ">", "&gt;"), "\"", "&quot;"), "'", "&#39;")
  }

  index = <<-HTML
    <!doctype html>
    <html lang="en">
    <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>${local.shown.title} (${var.environment})</title>
      <link rel="stylesheet" href="style.css">
    </head>
    <body>
      <h1>${local.shown.title}</h1>
      <p class="message">${local.shown.message}</p>
      <dl>
        <dt>Environment</dt><dd>${var.environment}</dd>
        <dt>Release</dt><dd>${local.shown.release}</dd>
        <dt>Instances</dt><dd>${var.instance_count}</dd>
        <dt>Features</dt><dd>${length(var.features) > 0 ? join(", ", sort(var.features)) : "none"}</dd>
      </dl>
    </body>
    </html>
  HTML

  style = <<-CSS
    body { background: ${var.colour}; color: #ffffff; font-family: sans-serif; margin: 4rem auto; max-width: 40rem; }
    .message { font-size: 1.5rem; }
    dt { font-weight: bold; }
  CSS

  health = <<-JSON
    ${jsonencode({ status = "ok", environment = var.environment, release = var.release })}
  JSON

  files = {
    "index.html"  = local.index
    "style.css"   = local.style
    "health.json" = local.health
  }

  directory = var.site_root == "" ? "" : "${trimsuffix(var.site_root, "/")}/${var.environment}"
}
