"""What labs about containers have in common: images, their history, and the folders that they are built from."""
