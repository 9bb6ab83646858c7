"""A repository for a team that puts a model into production: `modelway init`.

    choices.py     what was asked for, validated
    repository.py  the files of the repository, from templates/
    writing.py     files on disk, all or none

Each imports only what stands above it.
"""
