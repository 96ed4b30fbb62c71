"""What the OpenAPI document says: shapes, schemas, examples."""
