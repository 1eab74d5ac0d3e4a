"""The composition root: the only place that names concrete classes, one module per concern.

`adapters` opens the adapters; `services`, `runs`, `side_runs` and `restores` build the services;
`run_dispatch` fills the table of run kinds; `work` wires the workflows, `web` the web server, `background`
the periodic work. `bot.app` puts them together. A new service is one property in `services` or `runs`, and
one line where it is used. No business sequence is here.
"""
