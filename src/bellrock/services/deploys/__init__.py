"""Deploys: what a project wants, and one module for each kind of thing that it can want."""

from bellrock.services.deploys.carry_out import TYPES, carry_out
from bellrock.services.deploys.desired import Action, Change, ProjectDeploy, Resource
from bellrock.services.deploys.scene import Scene

__all__ = ["TYPES", "Action", "Change", "ProjectDeploy", "Resource", "Scene", "carry_out"]
