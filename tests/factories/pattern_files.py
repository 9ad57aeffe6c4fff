"""A small pattern, as the files of several makers of diffractometers hold it."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np

ANGLES = np.round(np.arange(10.0, 30.0, 0.05), 4)
COUNTS = np.round(100 + 900 * np.exp(-(((ANGLES - 22.0) / 0.2) ** 2)))

_RASX_PARTS = (("Profile", "txt"), ("MesurementConditions", "xml"))
_AXIS = '><Varying><FieldDefinitions AxisId="{0}" AxisName="{0}"/></Varying></RawDataView>'
_BRML_VIEWS = (
    ("Fixed", ' LogicName="PlannedTime"/>'),
    ("Fixed", ' LogicName="MeasuredTime"/>'),
    ("Varying", _AXIS.format("TwoTheta")),
    ("Varying", _AXIS.format("Theta")),
    ("Recorded", '><Recording LogicName="Counter1D"/></RawDataView>'),
)


def lines(form: str) -> str:
    """Return angles and counts, one point a line."""
    return "".join(form.format(angle, count) for angle, count in zip(ANGLES, COUNTS, strict=True))


def bruker_3() -> bytes:
    """Return a Bruker RAW file of version 3."""
    head = bytearray(712)
    head[:7] = b"RAW1.01"
    struct.pack_into("<II", head, 8, 1, 1)
    struct.pack_into("<5d", head, 616, 1.5418, 1.5406, 1.54439, 1.39222, 0.5)
    span = bytearray(304)
    struct.pack_into("<II", span, 0, 304, len(COUNTS))
    struct.pack_into("<dd", span, 8, 5.0, 10.0)
    struct.pack_into("<d", span, 176, 0.05)
    struct.pack_into("<I", span, 252, 4)
    return bytes(head + span) + COUNTS.astype("<f4").tobytes()


def rasx() -> bytes:
    """Return a Rigaku RASX file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Data0/Profile0.txt", "\ufeff" + lines("{:.4f}\t{:.0f}\t1\r\n"))
        archive.writestr(
            "Data0/MesurementConditions0.xml",
            "<M><SampleName>S 12</SampleName><WavelengthKalpha1>1.540593</WavelengthKalpha1></M>",
        )
        parts = "".join(f'<ContentHashList Name="{name}0.{end}"/>' for name, end in _RASX_PARTS)
        archive.writestr("root.xml", f'<Root Version="1.1.0.0"><Data0 Type="Profile">{parts}</Data0></Root>')
    return buffer.getvalue()


def ras() -> bytes:
    """Return a Rigaku RAS file."""
    head = (
        '*RAS_DATA_START\n*RAS_HEADER_START\n*FILE_SAMPLE "S 12"\n*MEAS_SCAN_AXIS_X "TwoThetaTheta"\n'
        '*MEAS_COND_XG_WAVE_LENGTH_ALPHA1 "1.540593"\n*MEAS_COND_XG_WAVE_LENGTH_ALPHA2 "1.544414"\n'
        '*MEAS_SCAN_UNIT_X "deg"\n*MEAS_SCAN_UNIT_Y "counts"\n*RAS_HEADER_END\n*RAS_INT_START\n'
    )
    return (head + lines("{:.4f} {:.4f} 1.0000\n") + "*RAS_INT_END\n*RAS_DATA_END\n").encode()


def uxd() -> bytes:
    """Return a Bruker UXD file."""
    head = (
        "; made by hand\n_FILEVERSION=2\n_SAMPLE='S 12'\n_WL_UNIT='A'\n_WL1=1.540593\n_WL2=1.544414\n; range 1\n"
        f"_DRIVE='COUPLED'\n_STEPTIME=1.0\n_STEPSIZE=0.05\n_STEPMODE='C'\n_START=10.0\n_2THETA=10.0\n"
        f"_STEPCOUNT={len(COUNTS)}\n_COUNTS\n"
    )
    return (head + "".join(f"{count:.0f}\n" for count in COUNTS)).encode()


def brml() -> bytes:
    """Return a Bruker BRML file."""
    views = "".join(
        f'<RawDataView Start="{place}" Length="1" xsi:type="{kind}RawDataView"{rest}'
        for place, (kind, rest) in enumerate(_BRML_VIEWS)
    )
    datum = "".join(f"<Datum>1,1,{a:.4f},{a / 2:.4f},{c:.0f}</Datum>" for a, c in zip(ANGLES, COUNTS, strict=True))
    raw = f"""<?xml version="1.0"?><RawData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
    <FixedInformation><Instrument><PrimaryTracks><TrackInfoData><MountedOptics>
    <InfoData xsi:type="TubeMountInfoData"><Tube><TubeMaterial>Cu</TubeMaterial>
    <WaveLengthAlpha1 Unit="A" Value="1.5406"/></Tube></InfoData></MountedOptics></TrackInfoData></PrimaryTracks>
    </Instrument></FixedInformation>
    <DataRoutes><DataRoute RouteFlag="Final"><ScanInformation VisibleName="Coupled TwoTheta/Theta" ScanName="Coupled">
    <MeasurementPoints>{len(COUNTS)}</MeasurementPoints><TimePerStep>1</TimePerStep>
    <TimePerStepEffective>1</TimePerStepEffective><ScanMode>StillScan</ScanMode><ScanAxes>
    <ScanAxisInfo AxisId="TwoTheta" AxisName="TwoTheta" VisibleName="2Theta"><Unit Base="Degree"/>
    <Reference>0</Reference><Start>10</Start><Stop>29.95</Stop><Increment>0.05</Increment></ScanAxisInfo></ScanAxes></ScanInformation>
    <DataViews>{views}</DataViews>
    {datum}</DataRoute></DataRoutes></RawData>"""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "Experiment0/DataContainer.xml",
            "<DataContainer><RawDataReferenceList><string>Experiment0/RawData0.xml</string></RawDataReferenceList>"
            "</DataContainer>",
        )
        archive.writestr("Experiment0/RawData0.xml", raw)
    return buffer.getvalue()


def bruker_1() -> bytes:
    """Return a Bruker RAW file of version 1."""
    head = bytearray(156)
    struct.pack_into("<4sIffIIf", head, 0, b"RAW ", len(COUNTS), 1.0, 0.05, 0, 0, 10.0)
    struct.pack_into("<3f", head, 28, 5.0, -1e6, -1e6)
    struct.pack_into("<ff", head, 72, 1.5406, 1.54439)
    return bytes(head) + COUNTS.astype("<f4").tobytes()


def bruker_2() -> bytes:
    """Return a Bruker RAW file of version 2."""
    head = bytearray(256)
    struct.pack_into("<4sH", head, 0, b"RAW2", 1)
    struct.pack_into("<2sfff", head, 188, b"Cu", 1.5406, 1.54439, 0.5)
    span = bytearray(48)
    struct.pack_into("<HH4xfff", span, 0, len(span), len(COUNTS), 1.0, 0.05, 10.0)
    return bytes(head + span) + COUNTS.astype("<f4").tobytes()


def gsas() -> bytes:
    """Return a GSAS file with angle, counts and error of each point."""
    head = "a title\nBANK 1 400 400 CONS 1000.0 5.0 0 0 FXYE\n"
    rows = (f"{100 * angle:.4f} {count:.1f} 3.0\n" for angle, count in zip(ANGLES, COUNTS, strict=True))
    return (head + "".join(rows)).encode()
