-- Fails the transaction of a consumer that has not looked for held keys before, and meets one.
CREATE FUNCTION refuse_held_key(key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the key % is held', key USING ERRCODE = 'HK001';
END
$$;
