-- The three roles of one service: owner (migrations), api (sees the business unit set for its transaction), worker (crosses units).
-- Repeatable. Told by settings of the session:
--   updraft.service                                                       the service's name
--   updraft.password_owner, updraft.password_api, updraft.password_worker the passwords
-- With psql:  PGOPTIONS="-c updraft.service=matching -c updraft.password_owner=..." psql -f roles.sql
do $$
declare
    service constant text := current_setting('updraft.service');
    part text;
    role text;
begin
    foreach part in array array['owner', 'api', 'worker'] loop
        role := service || '_' || part;
        if not exists (select from pg_roles where rolname = role) then
            execute format('create role %I', role);
        end if;
        execute format(
            'alter role %I with login nosuperuser nobypassrls nocreatedb nocreaterole noreplication inherit password %L',
            role, current_setting('updraft.password_' || part));
    end loop;

    -- A writer that stays open stalls every relay of the cluster: each role's transactions end by themselves.
    execute format('alter role %I set statement_timeout = %L', service || '_owner', '0');
    execute format('alter role %I set lock_timeout = %L', service || '_owner', '4s');
    execute format('alter role %I set transaction_timeout = %L', service || '_owner', '0');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', service || '_owner', '60s');

    execute format('alter role %I set statement_timeout = %L', service || '_api', '10s');
    execute format('alter role %I set lock_timeout = %L', service || '_api', '4s');
    execute format('alter role %I set transaction_timeout = %L', service || '_api', '15s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', service || '_api', '10s');

    execute format('alter role %I set statement_timeout = %L', service || '_worker', '30s');
    execute format('alter role %I set lock_timeout = %L', service || '_worker', '10s');
    execute format('alter role %I set transaction_timeout = %L', service || '_worker', '60s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', service || '_worker', '30s');
end
$$;
