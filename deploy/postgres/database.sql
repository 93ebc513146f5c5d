-- Who may enter one service's database; run inside it, after roles.sql. Repeatable. Told by a setting of the session:
--   updraft.service    the service's name
-- Tables and what may be done with them come from the service's migrations.
do $$
declare
    service constant text := current_setting('updraft.service');
begin
    execute format('alter database %I owner to %I', current_database(), service || '_owner');
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to %I, %I', current_database(), service || '_api', service || '_worker');
    execute format('alter schema public owner to %I', service || '_owner');
    revoke all on schema public from public;
    execute format('grant usage on schema public to %I, %I', service || '_api', service || '_worker');
end
$$;
