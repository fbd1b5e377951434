"""From what the user wrote to complete, checked settings, experiments and studies."""
