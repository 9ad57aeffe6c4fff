from matsift_flows.api import Database as Database
from matsift_flows.api import Model as Model
from matsift_flows.api import featurize as featurize
from matsift_flows.api import open_database as open  # noqa: A004  the name that notebooks use
from matsift_flows.api import rank as rank

__all__ = ["Database", "Model", "featurize", "open", "rank"]

__version__: str
