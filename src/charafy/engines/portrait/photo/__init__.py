"""Photos and paintings: the picture's own skin is bent over a mesh of 468 landmarks."""
