"""What a developer reads: the OpenAPI document, the guides, and the page that shows both."""
