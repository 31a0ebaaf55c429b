"""Statistics of samples and of runs beyond their summary. Nothing here opens a file or a store.

There are three kinds of functions:

- A *view* takes `Samples` and describes them: `timeseries`, `phases`, `histogram_table`,
  `errors_table`, `latency_grid`. It works for any run, since a report has to show an invalid run as
  well, and for one endpoint with ``endpoint=``.
- An *analysis* takes runs and draws a conclusion. It calls `Run.require_valid` on each of them
  first, so that no conclusion rests on a run whose generator was the bottleneck. A test holds
  every public function with a `Run` among its parameters to that.
- A *diagnosis* (`causes`) says what made a run slow, of an invalid one most of all: there the cause
  may be the generator.
"""
