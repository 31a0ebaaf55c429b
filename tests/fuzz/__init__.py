"""Whatever reads bytes of others, driven with damaged input: `make fuzz`.

targets.py   what is driven, what it starts from, and what it promises
__main__.py  for minutes, one target after the other
guided.py    one target, guided by the code that an input reaches (libFuzzer, through Atheris)

test_targets.py is the version of some seconds in `make test`, with random damage.
"""
