-- The caller may read no fingerprint, so the function does with its owner's rights: it shows what views show anyway.
-- Vectors of another set may have as many values; the iterative scan looks past them until k are found.
DO $$
BEGIN
    PERFORM vector_dims('[0]'::vector);  -- loads pgvector, whose settings only a superuser may name before
END $$;

CREATE FUNCTION analysis.similar_to(structure text, k integer DEFAULT 10)
RETURNS TABLE (
    rank integer, structure_hash text, formula text, space_group_symbol text, n_site integer,
    distance double precision, sources text[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET plan_cache_mode = 'force_custom_plan'
SET hnsw.iterative_scan = 'strict_order'
SET hnsw.ef_search = '200'
AS $$
#variable_conflict use_column
DECLARE
    beginning text := structure;
    asked record;
    current_set record;
    probe vector;
    nearest bigint[];
    reason text;
BEGIN
    IF k IS NULL OR k NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'k is the number of structures to show, 1 to 1000, not %', coalesce(k::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF beginning IS NULL OR beginning !~ '^[0-9a-f]{6,64}$' THEN
        RAISE EXCEPTION 'similar_to takes the structure_hash of a structure, or at least its first 6 digits, not %',
            coalesce(quote_literal(beginning), 'NULL') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT min(s.id) AS id, min(s.content_hash) AS content_hash, min(s.reduced_formula) AS formula, count(*) AS n
    INTO asked
    FROM (SELECT * FROM matsift.structure
          WHERE content_hash >= beginning AND content_hash < beginning || 'g' AND starts_with(content_hash, beginning)
          LIMIT 2) AS s;
    IF asked.n = 0 THEN
        RAISE EXCEPTION 'there is no structure whose hash begins with %', beginning;
    ELSIF asked.n > 1 THEN
        RAISE EXCEPTION 'more than one structure has a hash that begins with %; write more of it', beginning;
    END IF;

    SELECT t.id INTO current_set
    FROM matsift.descriptor_set t WHERE t.name = 'fingerprint' ORDER BY t.created_at DESC, t.id DESC LIMIT 1;
    SELECT d.vector INTO probe
    FROM matsift.descriptor d WHERE d.structure_id = asked.id AND d.descriptor_set_id = current_set.id;
    IF probe IS NULL THEN
        SELECT f.message INTO reason
        FROM matsift.failure f
        WHERE f.structure_id = asked.id AND f.stage = 'descriptor' AND f.detail LIKE 'fingerprint@%'
        ORDER BY f.occurred_at DESC LIMIT 1;
        RAISE EXCEPTION 'the structure % (%) has no fingerprint%', left(asked.content_hash, 12), asked.formula, coalesce(
            ': ' || reason, '; run a study that holds it, with similarity = true in [descriptors]');
    END IF;

    nearest := ARRAY(
        SELECT d.structure_id FROM matsift.descriptor d
        WHERE vector_dims(d.vector) = 290 AND d.descriptor_set_id = current_set.id AND d.structure_id <> asked.id
        ORDER BY (d.vector::vector(290)) <-> probe LIMIT k);
    IF cardinality(nearest) < k THEN  -- there are no more, or the index gave up among vectors of other sets
        nearest := ARRAY(
            SELECT d.structure_id FROM matsift.descriptor d
            WHERE d.descriptor_set_id = current_set.id AND d.structure_id <> asked.id
            ORDER BY d.vector <-> probe LIMIT k);
    END IF;
    RETURN QUERY
    SELECT (row_number() OVER (ORDER BY d.vector <-> probe, s.content_hash COLLATE "C"))::integer, s.content_hash,
           s.reduced_formula, s.space_group_symbol, s.n_site, d.vector <-> probe,
           ARRAY(SELECT o.name || ': ' || e.external_id || coalesce(' ' || e.url, '')
                 FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
                 WHERE e.structure_id = s.id AND e.withdrawn_at IS NULL ORDER BY 1)
    FROM unnest(nearest) AS n (structure_id)
    JOIN matsift.descriptor d ON d.structure_id = n.structure_id AND d.descriptor_set_id = current_set.id
    JOIN matsift.structure s ON s.id = n.structure_id
    ORDER BY 1;
END $$;

REVOKE ALL ON FUNCTION analysis.similar_to(text, integer) FROM PUBLIC;

-- Only where PostgreSQL and pgvector keep their own: nobody's objects stand in for what the function calls.
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION analysis.similar_to(text, integer) SET search_path = pg_catalog, %s, pg_temp',
        (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'vector'));
END $$;

COMMENT ON FUNCTION analysis.similar_to(text, integer) IS
'The k structures (10 unless told) whose fingerprints lie nearest to that of a structure, the nearest first, without itself; the structure is named by its structure_hash or at least the first 6 digits of it. distance: 0 = the same crystal, perhaps in another cell; 1 = as far apart as two crystals picked at random; see docs/descriptors.md. sources: entries that describe it now, as source: id address.';
