"""English: written words -> spoken words -> phonemes, American or British."""
