"""The training engine around ESPnet's trainer; it knows no task."""
