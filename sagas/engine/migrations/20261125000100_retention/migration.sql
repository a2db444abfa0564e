-- What undoes a saga, and keeps it from being forgotten before.
CREATE INDEX saga_deshace ON saga (deshace) WHERE deshace IS NOT NULL;
