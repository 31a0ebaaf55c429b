-- Of a run's objectives, how many there are and how many were broken.
ALTER TABLE runs ADD COLUMN IF NOT EXISTS objective_count UInt32;
ALTER TABLE runs ADD COLUMN IF NOT EXISTS broken_objective_count UInt32;
