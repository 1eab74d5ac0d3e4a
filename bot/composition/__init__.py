"""The composition root, a module per concern: the only place that names concrete classes.

`outside` opens what reaches out of the process, `services` and `runs` say what each service is made of, `work` is what
the engine calls, `web` what requests may reach, `background` what is done every now and then. `bot.app` puts them
together. A new service is one property in `services` or `runs`, and one line in the place that uses it.
"""
