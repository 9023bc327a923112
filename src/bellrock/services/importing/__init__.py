"""What can be imported into a project, type by type."""

from bellrock.services.importing.kind import NOBODY, Importable, ImportKind, Owner, Shelf
from bellrock.services.importing.kinds import IMPORT_KINDS

__all__ = ["IMPORT_KINDS", "NOBODY", "ImportKind", "Importable", "Owner", "Shelf"]
