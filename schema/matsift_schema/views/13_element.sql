CREATE VIEW analysis.element AS
SELECT e.symbol, e.atomic_number, e.name, e.group_number, e.period, e.atomic_mass_u, e.is_noble_gas, e.is_radioactive
FROM matsift.element e;

COMMENT ON VIEW analysis.element IS 'One row a chemical element.';
COMMENT ON COLUMN analysis.element.symbol IS 'element symbol';
COMMENT ON COLUMN analysis.element.atomic_number IS 'protons, count';
COMMENT ON COLUMN analysis.element.name IS 'English name';
COMMENT ON COLUMN analysis.element.group_number IS 'group 1 to 18; f-block elements stand in group 3';
COMMENT ON COLUMN analysis.element.period IS 'period 1 to 7';
COMMENT ON COLUMN analysis.element.atomic_mass_u IS 'standard atomic mass, unified atomic mass unit';
COMMENT ON COLUMN analysis.element.is_noble_gas IS 'group 18';
COMMENT ON COLUMN analysis.element.is_radioactive IS 'no stable isotope, or only nominally (Bi is not counted)';
