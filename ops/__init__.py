"""Running the pipeline: command line, local stack, migrations, dashboards, simulator and checks."""
