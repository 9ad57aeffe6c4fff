CREATE VIEW analysis.data_quality AS
SELECT p.name AS property_name, l.method, v.rule_set, coalesce(v.rule, '') AS rule, v.verdict, count(*) AS n_label,
       min(l.value) AS lowest_value, max(l.value) AS highest_value, p.unit,
       v.rule_set = (SELECT n.rule_set FROM matsift.label_verdict n ORDER BY n.run_id DESC, n.label_id DESC LIMIT 1)
           AS is_current
FROM matsift.label_verdict v
JOIN matsift.label l ON l.id = v.label_id
JOIN matsift.property p ON p.id = l.property_id
GROUP BY p.name, p.unit, l.method, v.rule_set, v.rule, v.verdict;

COMMENT ON VIEW analysis.data_quality IS 'How many labels of a method each named quality rule rejected, and how many passed all.';
COMMENT ON COLUMN analysis.data_quality.property_name IS 'the property';
COMMENT ON COLUMN analysis.data_quality.method IS 'how the labels were computed or measured';
COMMENT ON COLUMN analysis.data_quality.rule_set IS 'hash of the rules with their settings';
COMMENT ON COLUMN analysis.data_quality.rule IS 'rule that rejected them; empty = accepted by all';
COMMENT ON COLUMN analysis.data_quality.verdict IS 'accepted or rejected';
COMMENT ON COLUMN analysis.data_quality.n_label IS 'labels, count';
COMMENT ON COLUMN analysis.data_quality.lowest_value IS 'lowest of these labels, in the unit of the row';
COMMENT ON COLUMN analysis.data_quality.highest_value IS 'highest of these labels, in the unit of the row';
COMMENT ON COLUMN analysis.data_quality.unit IS 'unit of the values';
COMMENT ON COLUMN analysis.data_quality.is_current IS 'the rule set that was applied last';
