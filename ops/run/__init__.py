"""The main job: ``eyes run`` starts everything, feeds it, shows it, stops it and proves that nothing was lost."""
