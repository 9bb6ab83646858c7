"""What moto lacks or gets wrong, one module per AWS service, each with `install(services)`."""
