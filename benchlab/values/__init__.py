"""The values that flow through benchlab: no input or output, no tasks, no clocks.

A `Plan` is paced into requests; every request becomes one row of `Samples`; a `Run` is both
together with what the generator says about itself. Histogram and summary are views of samples.
"""
