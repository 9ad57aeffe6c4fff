"""What PostgreSQL itself says of a database: a line a table, column, constraint, index, trigger, view, grant."""

from __future__ import annotations

from sqlalchemy import Connection, text

_QUERIES = {
    "schema": """
        SELECT nspname, coalesce(regexp_replace(obj_description(oid, 'pg_namespace'), '\\([0-9a-f]+\\)$', '(...)'), '-')
        FROM pg_namespace WHERE nspname IN ('matsift', 'analysis')
    """,
    "table": """
        SELECT c.oid::regclass::text, coalesce(obj_description(c.oid, 'pg_class'), '-')
        FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'matsift'::regnamespace
    """,
    "column": """
        SELECT c.oid::regclass || '.' || a.attname,
               format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
               || CASE a.attidentity WHEN 'a' THEN ' IDENTITY ALWAYS' WHEN 'd' THEN ' IDENTITY' ELSE '' END
               || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
               || ' -- ' || coalesce(col_description(c.oid, a.attnum), '-')
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm')
          AND c.relnamespace::regnamespace::text IN ('matsift', 'analysis')
    """,
    "constraint": """
        SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'matsift'::regnamespace AND contype <> 'n'
    """,
    "statistics": """
        SELECT a.attrelid::regclass || '.' || a.attname, a.attstattarget::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE a.attstattarget >= 0 AND c.relkind IN ('r', 'p') AND c.relnamespace = 'matsift'::regnamespace
    """,
    "index": """
        SELECT schemaname || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'matsift'
    """,
    "enum": """
        SELECT t.oid::regtype::text, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
        FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
        WHERE t.typnamespace::regnamespace::text IN ('matsift', 'analysis') GROUP BY t.oid
    """,
    "trigger": """
        SELECT tgrelid::regclass || ' ' || tgname, pg_get_triggerdef(oid) || ' [' || tgenabled::text || ']'
        FROM pg_trigger WHERE NOT tgisinternal
    """,
    "function": """
        SELECT oid::regprocedure::text, regexp_replace(pg_get_functiondef(oid), '\\s+', ' ', 'g')
        FROM pg_proc WHERE pronamespace::regnamespace::text IN ('matsift', 'analysis')
    """,
    "view": """
        SELECT c.oid::regclass::text,
               md5(pg_get_viewdef(c.oid)) || ' -- ' || coalesce(obj_description(c.oid, 'pg_class'), '-')
        FROM pg_class c WHERE c.relkind IN ('v', 'm') AND c.relnamespace::regnamespace::text IN ('matsift', 'analysis')
    """,
    "grant": """
        SELECT c.oid::regclass || ' TO ' || g.grantee::regrole,
               string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type)
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS g
        WHERE c.relnamespace::regnamespace::text IN ('matsift', 'analysis') AND g.grantee <> c.relowner
        GROUP BY c.oid, g.grantee
    """,
    "column grant": """
        SELECT c.oid::regclass || '.' || a.attname || ' TO ' || g.grantee::regrole, g.privilege_type
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid CROSS JOIN LATERAL aclexplode(a.attacl) AS g
        WHERE c.relnamespace::regnamespace::text IN ('matsift', 'analysis')
    """,
}


def read(connection: Connection, *kinds: str) -> set[str]:
    """Return a line a thing, of the kinds named or of all."""
    lines = set()
    for kind in kinds or _QUERIES:
        for name, definition in connection.execute(text(_QUERIES[kind].replace(":", "\\:"))):
            lines.add(f"{kind} {name}: {definition}")
    return lines
