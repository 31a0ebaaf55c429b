"""Statistical methods on plain numbers: what they need is given, and they know no runs."""
