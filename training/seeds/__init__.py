"""Labelled tasks: read, and fitted to the champion that ships (`champion`), its encoder distilled before."""
