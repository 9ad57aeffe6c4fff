"""What a study says of the Crystallography Open Database, as a mirror on disk or as a service."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from matsift.study.source_base import Elements, ParsedBase, ServiceBase, SourceTable

#: COD dedicates its collection to the public domain.
COD_LICENCE = "CC0-1.0"
COD_URL = "https://www.crystallography.net/cod"


class CodChoice(SourceTable):
    """What both ways to COD say: which entries are wanted."""

    exclude_organic: bool = Field(
        default=False,
        description="leave out what holds C and H, but for carbonates: a metal, and three O or more for each C",
    )
    elements: Elements = Field((), description="elements that an entry must contain, all of them")
    exclude_elements: Elements = Field((), description="elements that an entry must not contain")


class CodMirror(ParsedBase, CodChoice):
    """A copy of COD's tree (``cif/1/00/00/1000000.cif``), made by rsync or svn, or its dated zip or tar."""

    kind: Literal["cod"]
    licence: str = COD_LICENCE
    path: str = Field(description="folder or archive (zip, tar, tar.gz, tar.bz2, tar.xz); relative to the study")
    numbers: tuple[Annotated[str, Field(pattern=r"^\d{1,8}$")], ...] = Field(
        (), description='leading digits of the COD numbers that are read, for example ["9"] for the minerals of AMCSD'
    )
    vanish_limit: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the known entries that may be gone from the copy at once; above, it counts as unfinished",
    )


class CodSearch(ServiceBase, CodChoice):
    """A search in COD by REST; the CIF of each entry found is downloaded once a revision."""

    kind: Literal["cod_search"]
    licence: str = COD_LICENCE
    base_url: str = Field(COD_URL, pattern=r"^https?://", description="address of COD or of a mirror of its service")
    formula: str | None = Field(None, description="formula in Hill order with spaces, for example Cl Na")
    text: str | None = Field(None, description="word of a title, an author, a compound or a mineral")
    space_group: str | None = Field(None, description="Hermann-Mauguin symbol with spaces, for example F m -3 m")
    n_element: tuple[int, int] | None = Field(None, description="least and largest number of elements")
    volume: tuple[float, float] | None = Field(None, description="least and largest cell volume, cubic angstrom")
    year: int | None = Field(None, description="year of publication")
    doi: str | None = Field(None, description="DOI of the publication")
    ids: tuple[Annotated[str, Field(pattern=r"^\d{7,8}$")], ...] = Field((), description="COD numbers")

    @model_validator(mode="after")
    def _asks_for_something(self) -> CodSearch:
        asked = (self.elements, self.formula, self.text, self.space_group, self.year, self.doi, self.ids, self.volume)
        if not any(asked):
            raise ValueError(
                "a search needs elements, formula, text, space_group, year, doi, ids or volume;"
                " for the whole of COD use its mirror (kind = 'cod')"
            )
        if len(self.elements) > 8 or len(self.exclude_elements) > 4:
            raise ValueError("COD searches by at most 8 elements and excludes at most 4")
        return self
