CREATE VIEW analysis.property AS
SELECT p.name AS property_name, p.unit, p.definition, p.lower_bound, p.upper_bound FROM matsift.property p;

COMMENT ON VIEW analysis.property IS 'One row a property that labels and predictions may carry.';
COMMENT ON COLUMN analysis.property.property_name IS 'short name; other views name it';
COMMENT ON COLUMN analysis.property.unit IS 'unit of every value of this property';
COMMENT ON COLUMN analysis.property.definition IS 'what it means';
COMMENT ON COLUMN analysis.property.lower_bound IS 'no physical value lies below, in the unit of the row; NULL = no bound';
COMMENT ON COLUMN analysis.property.upper_bound IS 'no physical value lies above, in the unit of the row; NULL = no bound';
