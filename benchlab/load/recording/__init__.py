"""What a worker writes into the spool: samples, failed examples, connections."""
