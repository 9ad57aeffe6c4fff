"""What `import matsift` gives notebooks and scripts: a database as frames, descriptors, predictions, rankings.

The platform finds these names by the entry points of the group ``matsift.api``, so it does not import this wing.
Nothing here starts a flow or needs Prefect, and nothing writes to the database.
"""

from __future__ import annotations

from matsift_flows.api.database import Database, open_database
from matsift_flows.api.featurizing import featurize
from matsift_flows.api.models import Model
from matsift_flows.api.ranking import rank

__all__ = ["Database", "Model", "featurize", "open_database", "rank"]
