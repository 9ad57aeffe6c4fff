"""From what a study says to a source that can be read."""

from __future__ import annotations

from pathlib import Path

from matsift.errors import SourceError
from matsift.study.benchmarks import BenchmarkSource
from matsift.study.cod import CodMirror, CodSearch
from matsift.study.materials_project import MaterialsProjectSource
from matsift.study.optimade import OptimadeSource
from matsift.study.prototypes import PrototypesSource
from matsift.study.sources import BundledSource, FilesSource, SourceSettings
from matsift_adapters.sources.benchmark import open_benchmark
from matsift_adapters.sources.bundled import open_bundled
from matsift_adapters.sources.cod import open_cod
from matsift_adapters.sources.cod_search import open_cod_search
from matsift_adapters.sources.files import open_files
from matsift_adapters.sources.materials_project import open_materials_project
from matsift_adapters.sources.optimade import open_optimade
from matsift_adapters.sources.prototypes import open_prototypes
from matsift_adapters.sources.source import Source
from matsift_adapters.sources.tables import open_table


def open_source(settings: SourceSettings, base_dir: Path, *, n_worker: int = 1, cache: Path | None = None) -> Source:
    """Return the source that the settings describe; nothing but its header and hash is read yet.

    Parameters
    ----------
    settings
        One entry of the study's sources.
    base_dir
        Folder that relative paths start from: the study file's.
    n_worker
        Worker processes that parse files; each file stands under the settings' time limit. With 0
        the files are parsed here and now without a limit, for trusted ones.
    cache
        Folder that keeps files which are fetched once; default: `base_dir`.

    Raises
    ------
    SourceError
        If a path is missing, not readable, or in no known format.
    """
    if isinstance(settings, BundledSource | PrototypesSource):
        return open_bundled(settings, base_dir) if isinstance(settings, BundledSource) else open_prototypes(settings)
    if isinstance(settings, CodSearch | OptimadeSource | MaterialsProjectSource):
        return _open_service(settings, n_worker=n_worker)
    folder = base_dir / settings.folder
    if not folder.is_dir():
        raise SourceError(
            str(folder),
            "there is no such folder",
            f"put the data of the source {settings.name} there, or name its folder",
        )
    if isinstance(settings, BenchmarkSource):
        return open_benchmark(settings, folder, cache=cache or folder, n_worker=n_worker)
    if isinstance(settings, FilesSource):
        return open_files(settings, folder, n_worker=n_worker)
    if isinstance(settings, CodMirror):
        return open_cod(settings, folder, n_worker=n_worker)
    return open_table(settings, folder, n_worker=n_worker)


def _open_service(settings: CodSearch | OptimadeSource | MaterialsProjectSource, *, n_worker: int) -> Source:
    """Return the source of a service; nothing is asked of it yet."""
    if isinstance(settings, MaterialsProjectSource):
        return open_materials_project(settings)
    if isinstance(settings, CodSearch):
        return open_cod_search(settings, n_worker=n_worker)
    return open_optimade(settings)
