"""What several tests share: models, networks with known weights, archives, servers, projects."""
