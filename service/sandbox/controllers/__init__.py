"""What a controller manager does: Jobs make pods, and what is left over is collected."""
