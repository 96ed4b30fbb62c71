"""From a trained model to the one that serves: stores and registries, the gate's verdict, the record."""
