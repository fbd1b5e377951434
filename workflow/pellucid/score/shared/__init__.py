"""What scores share: removal of units, fills, similarity, ranks, bootstrap intervals."""
