-- Roles and grants; run after the views, may run any number of times.
-- matsift_analyst reads the views of `analysis`, calls its functions, and nothing else; matsift_worker reads all, and
-- claims and settles what campaigns wait for; matsift_operator carries studies out: it appends all that flows compute.
-- All are groups without login: CREATE ROLE alice LOGIN PASSWORD '...' IN ROLE matsift_analyst.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['matsift_analyst', 'matsift_operator', 'matsift_worker'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', role_name);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of the same server is being migrated right now
            WHEN insufficient_privilege THEN
                NULL;  -- an installation from before there were operators, migrated by a user without CREATEROLE
        END;
    END LOOP;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO matsift_analyst, matsift_worker', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO matsift_worker', current_database());
END $$;

-- From PostgreSQL 15 on this is the default, but not in a database that was upgraded from an older version.
DO $$
BEGIN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege OR invalid_schema_name THEN
    NULL;  -- not ours to change
END $$;

-- Anybody may store large objects; only a superuser can take that right away.
DO $$
DECLARE
    signature text;
BEGIN
    FOR signature IN
        SELECT p.oid::regprocedure::text
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace
          AND p.proname IN ('lo_create', 'lo_creat', 'lo_from_bytea', 'lo_import', 'lo_open', 'lo_put', 'lo_unlink')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION pg_catalog.%s FROM PUBLIC', signature);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END $$;

REVOKE ALL ON SCHEMA matsift FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA matsift FROM PUBLIC, matsift_analyst, matsift_worker;
-- Whoever may call a trigger's function can hang it on a table of their own, and write with its owner's rights.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA matsift FROM PUBLIC, matsift_analyst, matsift_worker;
REVOKE ALL ON SCHEMA analysis FROM PUBLIC;

GRANT USAGE ON SCHEMA analysis TO matsift_analyst, matsift_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA analysis TO matsift_analyst, matsift_worker;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA analysis FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA analysis TO matsift_analyst, matsift_worker;

GRANT USAGE ON SCHEMA matsift TO matsift_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA matsift TO matsift_worker;
GRANT INSERT ON matsift.run, matsift.label, matsift.oracle_result, matsift.failure TO matsift_worker;
GRANT UPDATE (status, ended_at, counts, message) ON matsift.run TO matsift_worker;
GRANT UPDATE (status, claimed_by, lease_expires_at, heartbeat_at, external_job, label_id, failure_id, reason, updated_at)
    ON matsift.acquisition TO matsift_worker;

-- What a worker may, and appending to all but what migrations and triggers write.
DO $$
BEGIN
    IF to_regrole('matsift_operator') IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO matsift_operator', current_database());
    GRANT USAGE ON SCHEMA analysis, matsift TO matsift_operator;
    GRANT SELECT ON ALL TABLES IN SCHEMA analysis TO matsift_operator;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA analysis TO matsift_operator;
    REVOKE ALL ON ALL TABLES IN SCHEMA matsift FROM matsift_operator;
    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA matsift TO matsift_operator;
    REVOKE INSERT ON matsift.alembic_version, matsift.element, matsift.property, matsift.candidate,
        matsift.acquisition_event, matsift.ranking_model FROM matsift_operator;
    GRANT UPDATE (status, ended_at, counts, message) ON matsift.run TO matsift_operator;
    GRANT UPDATE (description, licence) ON matsift.source TO matsift_operator;
    GRANT UPDATE (withdrawn_at, withdrawn_reason, revision) ON matsift.source_entry TO matsift_operator;
    GRANT UPDATE (status, claimed_by, lease_expires_at, heartbeat_at, external_job, label_id, failure_id, reason,
                  updated_at) ON matsift.acquisition TO matsift_operator;
END $$;
