-- Why a run was stopped early, where a condition of its plan did it; empty otherwise.
ALTER TABLE runs ADD COLUMN IF NOT EXISTS stop_reason String AFTER stopped_ns;
