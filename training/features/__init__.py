"""The features of many tasks, in columns, and the space that fitting and serving share."""
