"""What the API says and hears: one Pydantic model per shape, and how views become them."""
