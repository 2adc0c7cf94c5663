"""What runs around Roundhouse: the local Hub server, profiles, containers. Imports no other package of the project."""
