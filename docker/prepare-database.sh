#!/bin/bash
# Run once by the image of PostgreSQL in a fresh cluster: the logins and databases of matsift and of Prefect.
# Passwords are the files of compose's secrets; they are never printed.
set -euo pipefail
read_secret() { head -n 1 "${SECRETS:-/run/secrets}/$1"; }

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --quiet \
  --set owner="$(read_secret owner_password)" \
  --set operator="$(read_secret operator_password)" \
  --set worker="$(read_secret worker_password)" \
  --set analyst="$(read_secret analyst_password)" \
  --set prefect="$(read_secret prefect_password)" <<'SQL'
CREATE ROLE matsift_owner LOGIN CREATEROLE PASSWORD :'owner';
CREATE DATABASE matsift OWNER matsift_owner;
CREATE ROLE prefect LOGIN PASSWORD :'prefect';
CREATE DATABASE prefect OWNER prefect;
-- Groups of matsift's own migrations; made here, so that the logins can be in them before the first migration.
CREATE ROLE matsift_operator NOLOGIN;
CREATE ROLE matsift_worker NOLOGIN;
CREATE ROLE matsift_analyst NOLOGIN;
GRANT matsift_operator, matsift_worker, matsift_analyst TO matsift_owner WITH ADMIN OPTION;
CREATE ROLE operator LOGIN PASSWORD :'operator' IN ROLE matsift_operator;
CREATE ROLE worker LOGIN PASSWORD :'worker' IN ROLE matsift_worker;
CREATE ROLE grafana LOGIN PASSWORD :'analyst' IN ROLE matsift_analyst;
-- Nobody but those who are let in: the migrations grant CONNECT to the groups above.
REVOKE ALL ON DATABASE matsift, prefect FROM PUBLIC;
\connect matsift
CREATE EXTENSION vector;
-- Only a superuser can take from everybody what they may write past all tables; the migrations run as less.
REVOKE EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea), lo_open(oid, integer),
  lo_put(oid, bigint, bytea), lo_unlink(oid) FROM PUBLIC;
\connect prefect
CREATE EXTENSION pg_trgm;
SQL
