"""What figures share: canvas, headings, heat maps, fonts."""
