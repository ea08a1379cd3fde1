"""Finding the services that the product needs: a PostgreSQL database and a message broker.

The same modules serve people (`scoro-intacct up`, `demo`) and the test suite. What the environment names is
taken; where it names nothing, something suitable is found or started, and ended again afterwards.

    app.services.postgres   postgres(data_dir, database_url)
    app.services.broker     broker(amqp_url, state_dir=…, embedded=…, install=…)
    app.services.rabbit     private_broker(folder), a RabbitMQ that may be stopped, killed and started again
    app.services.data_dir   default_data_dir(), ensure_data_dir(path)
    app.services.errors     ServiceMissing, ServiceUnusable
"""
