"""What every group of settings is: frozen, and without unknown members."""

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")
