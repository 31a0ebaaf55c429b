-- Which connection carried a request: those of one number shared it.
ALTER TABLE samples ADD COLUMN IF NOT EXISTS connection UInt16 CODEC(T64, ZSTD(1))
    COMMENT 'from 1, modulo 65,535; 0: not known';
